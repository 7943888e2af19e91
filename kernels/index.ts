export * from './activation';
export * from './attention-additive';
export {
  attendScores_f32, attendScores_f64, attendSum_f32, attendSum_f64, softmaxRows_f32, softmaxRows_f64,
  softmaxRowsBackward_f32, softmaxRowsBackward_f64,
} from './attention';
export * from './average-pool';
export * from './channel-norm';
export * from './conv';
export * from './decoding';
export * from './depthwise';
export * from './elementwise';
export * from './embedding';
export * from './gelu';
export * from './gemm';
export * from './gru';
export * from './mean-loss';
export * from './optimiser';
export * from './perspective';
export * from './pool';
export * from './rectifier';
export * from './recurrent';
export * from './reduce';
export * from './sampler';
export * from './softmax';
export * from './upsample';
export * from './norm';
export * from './winograd';
export * from './winograd-filters';
