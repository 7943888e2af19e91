// What the sources of the kernels say: which functions are kernels, their parameters, how each divides.
//
// Every exported function of a file in kernels/ is a kernel, generic in the element type T; what several
// files share lies in kernels/shared/. A line above says how a call falls apart into calls on a part each:
//
//   // divides rows by 4: x n, inverse, places k*i32; scratch of someScratchBytes
//
// The parameter `rows` counts the units. Parts begin at a multiple of 4 of them; without `by`, at any. From
// one unit to the next x moves by n elements, `inverse` by one, and `places` by k numbers of four bytes (also
// i32, u8 or f64 alone: where a pointer does not point to T). Every thread has scratch of its own, of as many
// bytes as that kernel says, which is called with the arguments that have the names of its parameters.

const typesOfValues = new Set(['T', 'i32', 'u32', 'f64']);
const bytesOf = { i32: 4, u8: 1, f64: 8 };
const example = '// divides rows by 4: x n, places k*i32; scratch of someScratchBytes';

/** The kernels in files, each a path and its text. An error names file and line. */
export function readKernels(files) {
  const kernels = files.flatMap(({ path, text }) => kernelsOf(path, text));
  const byName = new Map();
  for (const kernel of kernels) {
    const other = byName.get(kernel.name);
    if (other) fail(kernel, `another kernel is called ${kernel.name}: ${placeOf(other)}`);
    byName.set(kernel.name, kernel);
  }
  return kernels.map(({ rule, ...kernel }) =>
    rule ? { ...kernel, division: divisionOf(kernel, rule, byName) } : kernel,
  );
}

function kernelsOf(path, text) {
  const kernels = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const at = { path, line: index + 1 };
    const above = lines[index - 1] ?? '';
    if (/^\s*\/\/\s*divides\b/i.test(line) && !lines[index + 1]?.startsWith('export ')) {
      fail(at, 'a rule for dividing stands in the line above its kernel, but none follows');
    }
    if (!/^\s*export\b/.test(line)) continue;
    const head = lines.slice(index).join('\n');
    const found = head.match(/^export function (\w+)<T>\(([^)]*)\): (\w+) \{\n/);
    if (!found) {
      fail(
        at,
        'only kernels are exported here, as `export function name<T>(x: usize, n: i32): void {`; what several files share lies in kernels/shared/',
      );
    }
    const [, name, list, returns] = found;
    const parameters = parametersOf(list, name, at);
    if (returns !== 'void' && returns !== 'usize' && !typesOfValues.has(returns)) {
      fail(at, `${name} returns ${returns}, neither void, usize, T, i32, u32 nor f64`);
    }
    const rule = /^\s*\/\/\s*divides\b/i.test(above) ? above : undefined;
    kernels.push({ ...at, name, parameters, returns, rule });
  }
  return kernels;
}

function parametersOf(list, kernel, at) {
  const written = list.split(',').map((parameter) => parameter.trim());
  return written
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      const [, name, type] = parameter.match(/^(\w+): (\w+)$/) ?? [];
      if (type !== 'usize' && !typesOfValues.has(type)) {
        fail(
          at,
          `${kernel} has the parameter \`${parameter}\`, neither usize, T, i32, u32 nor f64`,
        );
      }
      return { name, type };
    });
}

/** A kernel's rule, with parameters by their position. */
function divisionOf(kernel, rule, byName) {
  const at = { path: kernel.path, line: kernel.line - 1 };
  const words = rule.match(/^\/\/ divides (\w+)(?: by (\d+))?: ([^;]+)(?:; (\w+) of (\w+))?$/);
  const moves = words?.[3].split(', ').map((move) => move.match(/^(\w+)(?: (\w+(?:\*\w+)*))?$/));
  if (!moves?.every((move) => move)) {
    fail(at, `\`${rule}\` above ${kernel.name} is no rule like \`${example}\``);
  }
  const position = (name, type) => {
    const index = kernel.parameters.findIndex((parameter) => parameter.name === name);
    if (index >= 0 && kernel.parameters[index].type === type) return index;
    const names = kernel.parameters.map((parameter) => `${parameter.name}: ${parameter.type}`);
    fail(at, `the rule names ${name}, no ${type} of ${kernel.name}(${names.join(', ')})`);
  };
  const [, count, step = '1', , scratch, bytes] = words;
  const units = Number(step);
  if (units < 1)
    fail(at, `${kernel.name} divides by ${step}: parts begin at a multiple of 1 or more`);
  const division = {
    count: position(count, 'i32'),
    step: units,
    moves: moves.map(([, pointer, product = '1']) => {
      const factors = product.split('*');
      const types = factors.filter((factor) => factor in bytesOf);
      if (types.length > 1)
        fail(at, `${pointer} of ${kernel.name} moves by ${types.join(' and ')}`);
      const numbers = factors.filter((factor) => /^\d+$/.test(factor));
      return {
        pointer: position(pointer, 'usize'),
        elements: numbers.reduce((all, number) => all * Number(number), 1),
        ...(types[0] && { bytes: bytesOf[types[0]] }),
        by: factors
          .filter((factor) => !types.includes(factor) && !numbers.includes(factor))
          .map((factor) => position(factor, 'i32')),
      };
    }),
  };
  const moving = division.moves.map(({ pointer }) => pointer);
  const twice = moving.find((pointer, index) => moving.indexOf(pointer) < index);
  if (twice !== undefined) {
    fail(at, `the rule moves ${kernel.parameters[twice].name} of ${kernel.name} twice`);
  }
  if (!scratch) return division;
  const says = byName.get(bytes);
  if (!says) fail(at, `the rule of ${kernel.name} names ${bytes}, which is no kernel`);
  const from = says.parameters.map(({ name, type }) => position(name, type));
  return { ...division, scratch: { at: position(scratch, 'usize'), bytes, from } };
}

/** The module's exports, in AssemblyScript: each kernel for f32 and for f64. */
export function exportsOf(kernels) {
  const lines = kernels.map(({ name, path }) => `import { ${name} } from './${nameOf(path)}';`);
  for (const { name, parameters, returns } of kernels) {
    for (const type of ['f32', 'f64']) {
      const typed = (called) => (called === 'T' ? type : called);
      const list = parameters.map((parameter) => `${parameter.name}: ${typed(parameter.type)}`);
      const call = `${name}<${type}>(${parameters.map((parameter) => parameter.name).join(', ')})`;
      lines.push(
        `export function ${name}_${type}(${list.join(', ')}): ${typed(returns)} {`,
        `  ${returns === 'void' ? '' : 'return '}${call};`,
        '}',
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The file's name without its ending: kernels are not looked for in folders. */
function nameOf(path) {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.ts$/, '');
}

/**
 * The module's exports as the members of a TypeScript interface. A `usize` is a pointer, which callers
 * pass as an array on the heap.
 */
export function signaturesOf(kernels) {
  const members = kernels.flatMap(({ name, parameters, returns }) => {
    const list = parameters.map(
      (parameter) => `${parameter.name}: ${parameter.type === 'usize' ? 'HeapArray' : 'number'}`,
    );
    const signature = `(${list.join(', ')}): ${returns === 'void' ? 'void' : 'number'};`;
    return ['f32', 'f64'].map((type) => `  ${name}_${type}${signature}`);
  });
  return members.join('\n');
}

function placeOf({ path, line }) {
  return `${path}:${line}`;
}

function fail(place, message) {
  throw new Error(`${placeOf(place)}: ${message}`);
}
