export * from './elementwise';
export * from './embedding';
export * from './gemm';
export * from './optimiser';
export * from './recurrent';
export * from './reduce';
export * from './softmax';
