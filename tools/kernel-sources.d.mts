/** A parameter of a kernel, with its type in AssemblyScript; `T` is the element type. */
export interface KernelParameter {
  readonly name: string;
  readonly type: string;
}

/** A kernel, where it stands, and how it divides if it does. */
export interface Kernel {
  readonly path: string;
  readonly line: number;
  readonly name: string;
  readonly parameters: readonly KernelParameter[];
  readonly returns: string;
  readonly division?: import('../src/engine/kernels.generated.js').KernelDivision;
}

/** The kernels in files. An error names file and line. */
export function readKernels(
  files: readonly { readonly path: string; readonly text: string }[],
): Kernel[];

/** The module's exports, in AssemblyScript: each kernel for f32 and for f64. */
export function exportsOf(kernels: readonly Kernel[]): string;

/** The module's exports as the members of a TypeScript interface. */
export function signaturesOf(kernels: readonly Kernel[]): string;
