/** Finds the id of a photo by what else it is called. */
export type FindId = (name: string) => string | undefined;

/**
 * Photos of a dataset by their ids, with or without the ending, or by the number that ends it, as
 * COCO's files do: `COCO_val2014_000000000042.jpg` goes by 42, too. Folders before a name do not count,
 * nor how letters with marks are composed.
 */
export function photoNames(ids: readonly string[]): FindId {
  const spelled = new Map<string, string | undefined>();
  for (const id of ids) {
    for (const alias of aliases(id)) {
      // What two photos could be called says nothing.
      spelled.set(alias, spelled.has(alias) ? undefined : id);
    }
  }
  for (const id of ids) spelled.set(id.normalize(), id);
  return (name) => {
    const plain = name.normalize();
    const file = plain.slice(plain.lastIndexOf('/') + 1);
    const found = [plain, file, withoutEnding(file), numberOf(file)].find(
      (one) => one !== undefined && spelled.get(one) !== undefined,
    );
    return found === undefined ? undefined : spelled.get(found);
  };
}

function aliases(id: string): Set<string> {
  const stem = withoutEnding(id.normalize());
  const number = /(?:^|_)0*(\d+)$/.exec(stem)?.[1];
  return new Set([stem, stem.slice(stem.lastIndexOf('/') + 1), ...(number ? [number] : [])]);
}

function withoutEnding(name: string): string {
  return name.replace(/\.\w{3,4}$/, '');
}

function numberOf(name: string): string | undefined {
  return /^0*(\d+)$/.exec(withoutEnding(name))?.[1];
}
