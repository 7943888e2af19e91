/** An input or output of a test's network; float32 unless it says otherwise. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly type?: keyof typeof types;
}

/** Values that a test's network holds, or that it says to be in another file. */
export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values?: Float32Array | BigInt64Array;
  readonly outside?: Readonly<Record<string, string>>;
}

/** What a test's network computes: nodes of ONNX operators, their attributes whole numbers. */
export interface OnnxGraph {
  readonly input: OnnxValue;
  readonly moreInputs?: readonly OnnxValue[];
  readonly nodes: readonly {
    readonly operator: string;
    readonly input: string | readonly string[];
    readonly output: string;
    readonly attributes?: Readonly<Record<string, number | readonly number[] | OnnxTensor>>;
  }[];
  readonly tensors?: readonly OnnxTensor[];
  readonly outputs: readonly OnnxValue[];
}

/** By onnx.proto. */
const types = {
  ...{ float32: 1, uint8: 2, int64: 7, bool: 9, float16: 10, float64: 11, bfloat16: 16 },
} as const;

/** An ONNX file (protocol buffers, opset 13), by the numbers of onnx.proto. */
export function onnxFile({
  input,
  moreInputs = [],
  nodes,
  tensors = [],
  outputs,
}: OnnxGraph): Uint8Array {
  const graph = [
    ...nodes.flatMap((node) =>
      field(1, [
        ...[node.input].flat().flatMap((name) => text(1, name)),
        ...text(2, node.output),
        ...text(4, node.operator),
        ...Object.entries(node.attributes ?? {}).flatMap(([name, value]) =>
          field(5, attribute(name, value)),
        ),
      ]),
    ),
    ...text(2, 'test'),
    ...tensors.flatMap((tensor) => field(5, tensorProto(tensor))),
    ...[input, ...moreInputs].flatMap((value) => field(11, valueInfo(value))),
    ...outputs.flatMap((output) => field(12, valueInfo(output))),
  ];
  return Uint8Array.from([...number(1, 8), ...field(7, graph), ...field(8, number(2, 13))]);
}

function attribute(name: string, value: number | readonly number[] | OnnxTensor) {
  if (typeof value === 'number') return [...text(1, name), ...number(3, value), ...number(20, 2)];
  if ('dims' in value) {
    return [...text(1, name), ...field(5, tensorProto(value)), ...number(20, 4)];
  }
  return [...text(1, name), ...value.flatMap((one) => number(8, one)), ...number(20, 7)];
}

function tensorProto({ name, dims, values, outside }: OnnxTensor): number[] {
  const type = values instanceof BigInt64Array ? types.int64 : types.float32;
  const bytes = values && new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const entries = Object.entries(outside ?? {});
  return [
    ...dims.flatMap((extent) => number(1, extent)),
    ...number(2, type),
    ...text(8, name),
    ...(bytes ? field(9, [...bytes]) : []),
    ...entries.flatMap(([key, value]) => field(13, [...text(1, key), ...text(2, value)])),
    ...(outside ? number(14, 1) : []),
  ];
}

function valueInfo({ name, shape, type = 'float32' }: OnnxValue) {
  const dims = shape.flatMap((extent) =>
    field(1, typeof extent === 'number' ? number(1, extent) : text(2, extent)),
  );
  const tensorType = [...number(1, types[type]), ...field(2, dims)];
  return [...text(1, name), ...field(2, field(1, tensorType))];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

function number(id: number, value: number): number[] {
  return [...varint(id << 3), ...varint(value)];
}

function field(id: number, content: readonly number[]): number[] {
  return [...varint((id << 3) | 2), ...varint(content.length), ...content];
}

function text(id: number, value: string): number[] {
  return field(id, [...new TextEncoder().encode(value)]);
}
