// What transformers.js answers to the rows of a request, in Node and in a browser: node.mjs and page.html call it.
//
// Of each row come the tokens it cuts the texts into itself, every variant's raw outputs for them, and the pipeline's
// answer in the terms of the runtime's, as far as it has the same. Nothing is compared here.

// `onnx/model{suffix}.onnx` by the option `dtype`; any other file goes by its own name.
const DTYPES = {
  "": "fp32", _fp16: "fp16", _quantized: "q8", _int8: "int8", _uint8: "uint8", _q4: "q4", _q4f16: "q4f16", _q2: "q2",
  _q2f16: "q2f16", _q1: "q1", _q1f16: "q1f16", _bnb4: "bnb4",
};
const LONGEST_ANSWER = 30; // tokens of an answer to a question, as the runtime has it

function options(file, device) {
  const name = file.split("/").at(-1).replace(/\.onnx$/, "");
  const dtype = DTYPES[name.replace(/^model/, "")];
  return { ...(device && { device }), ...(dtype ? { dtype } : { dtype: "fp32", model_file_name: name }) };
}

// By pipeline: its answer to texts, null where it gives none that means the same.
const PIPELINES = {
  // The scores of all labels, a softmax or sigmoids: config.json says which. Of numbers it takes a softmax.
  async "text-classification"(ask, [text, pair], { labels, numbers }) {
    if (pair !== undefined || numbers) return null;
    const given = await ask(text, { top_k: labels.length });
    return { scores: Object.fromEntries(given.map(({ label, score }) => [label, score])) };
  },
  // A tag a token, with its score: it knows no words.
  async "token-classification"(ask, [text]) {
    const given = await ask(text, { ignore_labels: [] });
    return { tags: Object.fromEntries(given.map(({ index, entity, score }) => [index, [entity, score]])) };
  },
  // The text of the answer, as its tokens spell it; it knows no longest answer.
  async "question-answering"(ask, [question, context]) {
    const { answer } = await ask(question, context);
    return ask.tokenizer(answer).input_ids.dims.at(-1) - 2 > LONGEST_ANSWER ? null : { spelt: answer };
  },
  // The text's vector; it can't be cut to `dimensions` before it is scaled, so it is scaled again.
  async "feature-extraction"(ask, [text], { options: { pooling = "mean", dimensions } }) {
    const vector = (await ask(text, { pooling, normalize: true })).tolist()[0].slice(0, dimensions ?? undefined);
    const length = Math.hypot(...vector);
    return { vector: vector.map((value) => value / length) };
  },
};

export async function ask(library, id, request) {
  const { AutoTokenizer, Tensor, env, pipeline } = library;
  const tokenizer = await AutoTokenizer.from_pretrained(id);
  const numbers = (tensor) => tensor && Array.from(tensor.data, Number);
  const tensor = (values) => new Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);

  // Its own tokens where the row is a whole text. It cuts a long one together with the special token that ends it, and
  // knows no windows: then it is given the tokens.
  function tokenize({ texts }) {
    if (!texts) return null;
    const inputs = tokenizer(texts[0], { text_pair: texts[1] });
    const length = inputs.input_ids.dims.at(-1);
    return length > 0 && length <= request.max_length ? inputs : null;
  }

  async function answers(file) {
    const model = await library[request.auto_class].from_pretrained(id, options(file, request.device));
    const answer = await pipeline(request.pipeline, id, options(file, request.device));
    const found = { outputs: [], answers: [] };
    for (const [place, row] of request.rows.entries()) {
      const given = await model(own[place] ?? {
        input_ids: tensor(row.input_ids),
        attention_mask: tensor(row.input_ids.map(() => 1)),
        token_type_ids: tensor(row.token_type_ids),
      });
      const outputs = request.outputs.map((name) => [name, { dims: given[name].dims, data: Array.from(given[name].data) }]);
      found.outputs.push(Object.fromEntries(outputs));
      found.answers.push(own[place] ? await PIPELINES[request.pipeline](answer, row.texts, request) : null);
    }
    return found;
  }

  const own = request.rows.map(tokenize);
  const variants = {};
  for (const [variant, file] of Object.entries(request.variants))
    variants[variant] = await answers(file).catch((error) => ({ error: String(error?.message ?? error) }));
  // Without options, as most will ask: the file of the default variant must open.
  await pipeline(request.pipeline, id, request.device && { device: request.device });
  return {
    versions: { "transformers.js": env.version },
    tokens: own.map((inputs) => inputs && { input_ids: numbers(inputs.input_ids), token_type_ids: numbers(inputs.token_type_ids) }),
    variants,
  };
}
