// What the benches use of the built package. They reach below the public interface: the engine
// itself is what they measure.
export { valueAndGradients } from '../dist/autograd/tape.js';
export { Engine, engine, scope, useEngine } from '../dist/engine/engine.js';
export { openThreads } from '../dist/engine/threads.js';
export { conv2dBackward, conv2dForward } from '../dist/layers/conv2d.js';
export { softmaxLoss } from '../dist/layers/softmax-loss.js';
export { Captioner } from '../dist/models/captioner.js';
export { initialise } from '../dist/models/parameters.js';
export { classify } from '../dist/tasks/classifier/model.js';
export { fullClassifier, planClassifier } from '../dist/tasks/classifier/config.js';
export { squeezenet, squeezenetShapes } from '../dist/models/squeezenet.js';
export { Random } from '../dist/random.js';
export { matmul, transposed } from '../dist/tensor/arithmetic.js';
export { randomNormal, tensor } from '../dist/tensor/create.js';
export { Tensor } from '../dist/tensor/tensor.js';
export { Adam } from '../dist/training/optimisers.js';
