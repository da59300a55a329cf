// Load every variant of a bundle with transformers.js, and compare with golden.json.
//
//     node check_transformers_js.mjs BUNDLE
//
// Run it where transformers.js is installed; --ignore-scripts, since onnxruntime-node's install script downloads:
//
//     npm install --ignore-scripts @huggingface/transformers@4.3.1
//
// Ends with 0 and one JSON line when every variant gives the sealed outputs within the sealed tolerance, for texts that
// need no cutting.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// From the folder it is run in, wherever this file lies.
const entry = createRequire(resolve("package.json")).resolve("@huggingface/transformers");
const { AutoModelForSequenceClassification, AutoTokenizer, env, pipeline } = await import(pathToFileURL(entry));

// `onnx/model{suffix}.onnx` by the option `dtype`; any other file goes by its own name.
const DTYPES = { "": "fp32", _fp16: "fp16", _quantized: "q8", _int8: "int8", _uint8: "uint8", _q4: "q4", _q4f16: "q4f16" };

const folder = resolve(process.argv[2]);
const read = (name) => JSON.parse(readFileSync(resolve(folder, name), "utf-8"));
const manifest = read("manifest.json");
const golden = read("golden.json");
env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const id = basename(folder);

function options(file) {
  const name = basename(file, ".onnx");
  const dtype = DTYPES[name.replace(/^model/, "")];
  return dtype ? { dtype } : { dtype: "fp32", model_file_name: name };
}

const argmax = (values) => values.indexOf(Math.max(...values));
const tokenizer = await AutoTokenizer.from_pretrained(id);
const differences = {};
const failed = [];
const tooLong = new Set();
for (const [variant, file] of Object.entries(manifest.variants)) {
  const model = await AutoModelForSequenceClassification.from_pretrained(id, options(file));
  differences[variant] = 0;
  for (const [row, example] of golden.examples.entries()) {
    const inputs = tokenizer(example.text, { text_pair: example.text_pair });
    // transformers.js cuts a long text together with the special token that ends it: its answer is another.
    if (inputs.input_ids.dims.at(-1) > manifest.max_length) {
      tooLong.add(example.text);
      continue;
    }
    const { logits } = await model(inputs);
    const sealed = golden.outputs[variant][row];
    const difference = Math.max(...sealed.map((value, i) => Math.abs(value - logits.data[i])));
    differences[variant] = Math.max(differences[variant], difference);
  }
  if (!(differences[variant] <= golden.tolerances[variant])) failed.push(variant);
}
if (!manifest.pairs) {
  // Without options, as a web page would: the default variant must answer.
  const classify = await pipeline("text-classification", id);
  const [answer] = await classify(golden.examples[0].text);
  const best = manifest.labels[argmax(golden.outputs[manifest.default][0])];
  if (answer.label !== best) failed.push(`the pipeline answers ${answer.label}, sealed is ${best}`);
}
console.log(JSON.stringify({ differences, failed, tooLong: tooLong.size, "transformers.js": env.version }));
process.exit(failed.length ? 1 : 0);
