// What the benches use of the built package. They reach below the public interface: the engine
// itself is what they measure.
export { valueAndGradients } from '../dist/autograd/tape.js';
export { Engine, engine, scope, useEngine } from '../dist/engine/engine.js';
export { openThreads } from '../dist/engine/threads.js';
export { conv2dBackward, conv2dForward } from '../dist/layers/convolution/conv2d.js';
export { conv3dBackward, conv3dForward } from '../dist/layers/convolution/conv3d.js';
export {
  addForward,
  multiplyBackward,
  multiplyForward,
} from '../dist/layers/elementwise/arithmetic.js';
export { expForward } from '../dist/layers/elementwise/functions.js';
export { transposeForward } from '../dist/layers/indexing/axes.js';
export { gatherForward } from '../dist/layers/indexing/gather.js';
export { meanForward, sumForward } from '../dist/layers/indexing/reductions.js';
export { softmaxLoss } from '../dist/layers/losses/softmax.js';
export { Captioner } from '../dist/models/captioner.js';
export { squeezenet } from '../dist/models/encoders/squeezenet.js';
export { squeezenetShapes } from '../dist/models/encoders/squeezenet-encoder.js';
export { initialise } from '../dist/models/parameters.js';
export { Random } from '../dist/random.js';
export { fullClassifier, planClassifier } from '../dist/tasks/classifier/config.js';
export { classify } from '../dist/tasks/classifier/model.js';
export { matmul, transposed } from '../dist/tensor/arithmetic.js';
export { randomNormal, tensor } from '../dist/tensor/create.js';
export { Tensor } from '../dist/tensor/tensor.js';
export { Adam } from '../dist/training/optimisers.js';
