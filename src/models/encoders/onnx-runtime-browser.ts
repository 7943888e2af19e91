/** In place of onnxruntime in a browser, where there is none. */
import { MissingDependencyError } from '../../errors.js';

/** A page has no package that runs ONNX networks. @throws MissingDependencyError always */
export async function importOnnxRuntime(): Promise<typeof import('onnxruntime-node')> {
  throw new MissingDependencyError(
    'ONNX encoders run in Node only; in a browser use a model with a cnn of its own or with SqueezeNet',
  );
}
