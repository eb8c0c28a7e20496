// Runs NAME.onnx on NAME.x with ONNX Runtime for every network in a folder and compares with NAME.y; see
// onnx_runtime.sh. Ends with 1 if an error |y - y'| / max(1, |y|) is above 1e-5.

import { createRequire } from "node:module";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [folder, packages] = process.argv.slice(2);
const ort = createRequire(join(packages, "/"))("onnxruntime-node");

const floats = (file) => {
  const bytes = readFileSync(file);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
};

let worst = 0;
const names = readdirSync(folder).filter((f) => f.endsWith(".onnx")).map((f) => f.slice(0, -5)).sort();
for (const name of names) {
  const session = await ort.InferenceSession.create(join(folder, name + ".onnx"), { logSeverityLevel: 3 });
  const x = floats(join(folder, name + ".x")), y = floats(join(folder, name + ".y"));
  const { output } = await session.run({ input: new ort.Tensor("float32", x, [1000, x.length / 1000]) });
  let error = output.data.length === y.length ? 0 : NaN;
  output.data.forEach((value, i) => { error = Math.max(error, Math.abs(value - y[i]) / Math.max(1, Math.abs(y[i]))); });
  console.log(`${name.padEnd(40)} ${error.toExponential(1)}`);
  worst = Math.max(worst, error);
}
console.log(`${names.length} networks, 1000 samples each: worst error ${worst.toExponential(1)}`);
process.exit(names.length > 0 && worst <= 1e-5 ? 0 : 1);
