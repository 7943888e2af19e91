/** What a test's network computes: nodes of ONNX operators without attributes. */
export interface OnnxGraph {
  readonly input: { readonly name: string; readonly shape: readonly (number | string)[] };
  readonly nodes: readonly {
    readonly operator: string;
    readonly input: string;
    readonly output: string;
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly (number | string)[];
  }[];
}

/** An ONNX file (protocol buffers, opset 13) of float32 tensors, by the numbers of onnx.proto. */
export function onnxFile({ input, nodes, outputs }: OnnxGraph): Uint8Array {
  const graph = [
    ...nodes.map((node) =>
      field(1, [...text(1, node.input), ...text(2, node.output), ...text(4, node.operator)]),
    ),
    text(2, 'test'),
    field(11, valueInfo(input)),
    ...outputs.map((output) => field(12, valueInfo(output))),
  ].flat();
  return Uint8Array.from([...number(1, 8), ...field(7, graph), ...field(8, number(2, 13))]);
}

function valueInfo({ name, shape }: { name: string; shape: readonly (number | string)[] }) {
  const dims = shape.flatMap((extent) =>
    field(1, typeof extent === 'number' ? number(1, extent) : text(2, extent)),
  );
  const float32 = 1;
  const tensorType = [...number(1, float32), ...field(2, dims)];
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
