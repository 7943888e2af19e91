/** onnxruntime in Node, loaded when an ONNX network is opened. */
import { MissingDependencyError } from '../../errors.js';

/** Loads the package that runs ONNX networks. @throws MissingDependencyError when it is absent */
export async function importOnnxRuntime(): Promise<typeof import('onnxruntime-node')> {
  try {
    const module = await import('onnxruntime-node');
    // A CommonJS module: bundlers and Node disagree on where its exports are.
    return 'InferenceSession' in module ? module : (module as { default: typeof module }).default;
  } catch (error) {
    throw new MissingDependencyError(
      'ONNX encoders are run by the package "onnxruntime-node", which could not be loaded: npm install onnxruntime-node',
      { cause: error },
    );
  }
}
