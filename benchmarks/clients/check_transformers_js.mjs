// Ask every variant of a bundle in transformers.js, and compare with what `expected.py` wrote.
//
//     node check_transformers_js.mjs BUNDLE expected.json
//
// Run it where transformers.js is installed; --ignore-scripts, since onnxruntime-node's install script downloads:
//
//     npm install --ignore-scripts @huggingface/transformers@4.3.1
//
// Compared are the model's raw outputs, for texts that are one row and need no cutting, and the pipeline's answers.
// Ends with 0 and one JSON line when all agree.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// From the folder it is run in, wherever this file lies.
const entry = createRequire(resolve("package.json")).resolve("@huggingface/transformers");
const library = await import(pathToFileURL(entry));
const { AutoTokenizer, env, pipeline } = library;

// `onnx/model{suffix}.onnx` by the option `dtype`; any other file goes by its own name.
const DTYPES = { "": "fp32", _fp16: "fp16", _quantized: "q8", _int8: "int8", _uint8: "uint8", _q4: "q4", _q4f16: "q4f16" };
const TASKS = {
  "token-classification": ["token-classification", "AutoModelForTokenClassification"],
  "question-answering": ["question-answering", "AutoModelForQuestionAnswering"],
  "sentence-embedding": ["feature-extraction", "AutoModel"],
};
const LONGEST_ANSWER = 30; // tokens of an answer to a question, as the runtime has it

const folder = resolve(process.argv[2]);
const found = JSON.parse(readFileSync(resolve(process.argv[3]), "utf-8"));
const [task, kind] = TASKS[found.task] ?? ["text-classification", "AutoModelForSequenceClassification"];
env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const id = basename(folder);

function options(file) {
  const name = basename(file, ".onnx");
  const dtype = DTYPES[name.replace(/^model/, "")];
  return dtype ? { dtype } : { dtype: "fp32", model_file_name: name };
}

const furthest = (got, wanted) =>
  got.length === wanted.length ? Math.max(0, ...wanted.map((value, i) => Math.abs(value - got[i]))) : Infinity;
const plain = (text) => text.toLowerCase().replace(/\s/g, "");

function softmax(values) {
  const shifted = values.map((value) => Math.exp(value - Math.max(...values)));
  const total = shifted.reduce((sum, value) => sum + value, 0);
  return shifted.map((value) => value / total);
}

// How far a pipeline's answer is from the runtime's; null where it gives none that means the same.
const DIFFERENCES = {
  // The scores of all labels, a softmax or sigmoids: config.json says which.
  async scores(ask, example, wanted) {
    const given = await ask(example.text, { top_k: found.labels.length });
    const got = Object.fromEntries(given.map(({ label, score }) => [label, score]));
    return furthest(found.labels.map((label) => got[label]), found.labels.map((label) => wanted.answer.scores[label]));
  },
  // A tag a token, with its score: it knows no words. Only its own special tokens and O are left out.
  async tags(ask, example, wanted) {
    const width = found.labels.length;
    const tags = [];
    for (let i = 0; i < wanted.ids.length; i++) {
      const scores = softmax(wanted.outputs.logits.slice(i * width, (i + 1) * width));
      const best = scores.indexOf(Math.max(...scores));
      if (found.labels[best] !== "O" && !tokenizer.all_special_ids.includes(wanted.ids[i]))
        tags.push({ index: i, entity: found.labels[best], score: scores[best] });
    }
    const given = await ask(example.text);
    if (!given.every(({ index, entity }, i) => index === tags[i]?.index && entity === tags[i].entity)) return Infinity;
    return furthest(given.map(({ score }) => score), tags.map(({ score }) => score));
  },
  // The text of the answer, as its tokens spell it. It knows neither a longest answer nor "no answer".
  async span(ask, example, wanted) {
    const { answer } = await ask(example.question, example.context);
    if (!wanted.answer.text || tokenizer(answer).input_ids.dims.at(-1) - 2 > LONGEST_ANSWER) return null;
    return plain(answer) === plain(wanted.answer.text) ? 0 : Infinity;
  },
  // The text's vector; it can't be cut to `dimensions` before it is scaled, so it is scaled again.
  async vector(ask, example, wanted) {
    const { pooling = "mean", dimensions } = found.options;
    const got = (await ask(example.text, { pooling, normalize: true })).tolist()[0].slice(0, dimensions);
    const length = Math.hypot(...got);
    return furthest(got.map((value) => value / length), wanted.answer.vector);
  },
};
const COMPARED = {
  "text-classification": "scores",
  "multi-label-classification": "scores",
  "token-classification": "tags",
  "question-answering": "span",
  "sentence-embedding": "vector",
}; // regression: its pipeline takes a softmax of the numbers

const tokenizer = await AutoTokenizer.from_pretrained(id);
const report = { task: found.task, differences: {}, answers: 0, failed: [], left_out: 0, "transformers.js": env.version };
for (const [variant, { file, share, tolerance, rows, answers }] of Object.entries(found.variants)) {
  const model = await library[kind].from_pretrained(id, options(file));
  const ask = await pipeline(task, id, options(file));
  let largest = 0;
  for (const [place, example] of found.examples.entries()) {
    const [text, text_pair] = Object.values(example);
    const inputs = tokenizer(text, { text_pair });
    // transformers.js cuts a long text together with the special token that ends it: its answer is another.
    if (inputs.input_ids.dims.at(-1) > found.max_length || rows[place].length > 1) {
      report.left_out++;
      continue;
    }
    const ids = Array.from(inputs.input_ids.data, Number);
    if (furthest(ids, found.tokens[place][0])) {
      report.failed.push(`${variant}, text ${place}: tokens`);
      continue;
    }
    const given = await model(inputs);
    for (const [name, values] of Object.entries(rows[place][0]))
      largest = Math.max(largest, furthest(given[name].data, values));
    const compare = DIFFERENCES[COMPARED[found.task]];
    // Its pipelines take pairs for questions only.
    if (!compare || (text_pair !== undefined && task !== "question-answering")) continue;
    const difference = await compare(ask, example, { answer: answers[place], outputs: rows[place][0], ids });
    if (difference === null) continue;
    report.answers++;
    if (!(difference <= share)) report.failed.push(`${variant}, text ${place}: answer`);
  }
  report.differences[variant] = (largest / tolerance) * share;
  if (!(largest <= tolerance)) report.failed.push(`${variant}: outputs`);
}
// Without options, as a web page would: the bundle's default variant must open.
await pipeline(task, id);
console.log(JSON.stringify(report));
process.exit(report.failed.length ? 1 : 0);
