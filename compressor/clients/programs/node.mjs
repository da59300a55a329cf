// Ask a bundle in Node, and print the answers as one line of JSON.
//
//     node node.mjs BUNDLE REQUEST.json
//
// Run it in a folder where @huggingface/transformers is installed, wherever this file lies.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ask } from "./transformers_js.mjs";

const entry = createRequire(resolve("package.json")).resolve("@huggingface/transformers");
const library = await import(pathToFileURL(entry));
const [bundle, request] = process.argv.slice(2).map((path) => resolve(path));
library.env.allowRemoteModels = false;
library.env.localModelPath = dirname(bundle);
const found = await ask(library, basename(bundle), JSON.parse(readFileSync(request, "utf-8")));
found.versions["onnxruntime-node"] = library.env.backends.onnx.versions?.node;
found.versions.node = process.versions.node;
process.stdout.write(JSON.stringify(found) + "\n", () => process.exit(0));
