/** Several models that decode together, by the average of their log-probabilities. */
import type { TensorTree } from '../autograd/tree.js';
import type { Vocabulary } from '../data/text/vocabulary.js';
import { ValueError } from '../errors.js';
import { addInPlace, scaled } from '../tensor/arithmetic.js';
import { showShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { WordModel, WordStep } from './word-model.js';

/**
 * Several models that decode one caption together: the average of their log-probabilities, normalised
 * again,
 *
 *     log p(w) = mean over m of log p_m(w) - log sum over v of exp(mean over m of log p_m(v))
 *
 * so that what decoders return is the logarithm of a probability. The inputs are a list with one
 * entry for each model, since their encoders may differ. Attention is averaged where all models return it
 * in the same shape, and left out otherwise.
 *
 * @throws ValueError when there is no model, or when vocabularies or special words differ: names
 * the first word that does.
 */
export function ensemble<S extends TensorTree, I>(
  models: readonly WordModel<S, I>[],
): WordModel<Readonly<Record<string, S>>, readonly I[]> {
  const [first, ...others] = models;
  if (!first) throw new ValueError('an ensemble needs at least one model');
  for (const [index, other] of others.entries()) checkAgreement(first, other, index + 2);
  const each = <T>(f: (model: WordModel<S, I>, index: number) => T) => models.map(f);
  const inputsOf = (inputs: readonly I[], index: number): I => {
    const input = inputs[index];
    if (input === undefined || inputs.length !== models.length) {
      throw new ValueError(
        `an ensemble of ${models.length} models needs as many inputs, not ${inputs.length}`,
      );
    }
    return input;
  };
  const joined = (states: readonly S[]): Record<string, S> => Object.fromEntries(states.entries());
  const stateOf = (states: Readonly<Record<string, S>>, index: number): S => {
    const state = states[index];
    if (!state) throw new ValueError(`the state holds nothing of model ${index + 1}`);
    return state;
  };
  return {
    vocabulary: first.vocabulary,
    startWord: first.startWord,
    endWord: first.endWord,
    suppressed: first.suppressed,
    imageCount: (inputs) => {
      const counts = each((model, index) => model.imageCount(inputsOf(inputs, index)));
      const [count = 0] = counts;
      const index = counts.findIndex((other) => other !== count);
      if (index > 0) {
        throw new ValueError(
          `model 1 of the ensemble gets ${count} images but model ${index + 1} gets ${counts[index]}`,
        );
      }
      return count;
    },
    start: (inputs) => joined(each((model, index) => model.start(inputsOf(inputs, index)))),
    step: (state, words) => {
      const steps = each((model, index) => model.step(stateOf(state, index), words));
      // Scores are log-probabilities but for a constant in each row, and so are their averages:
      // normalising the one normalises the other.
      return {
        scores: average(steps.map(({ scores }) => scores)),
        state: joined(steps.map((step) => step.state)),
        attention: averageAttention(steps),
      };
    },
    select: (state, rows) =>
      joined(each((model, index) => model.select(stateOf(state, index), rows))),
  };
}

function average(tensors: readonly Tensor[]): Tensor {
  const [first, ...others] = tensors;
  if (!first) throw new ValueError('there is nothing to average');
  if (others.length === 0) return first;
  const sum = scaled(first, 1 / tensors.length);
  for (const other of others) addInPlace(sum, scaled(other, 1 / tensors.length));
  return sum;
}

function averageAttention(steps: readonly WordStep<TensorTree>[]): Tensor | undefined {
  const all = steps.flatMap(({ attention }) => attention ?? []);
  const shapes = new Set(all.map(({ shape }) => showShape(shape)));
  return all.length === steps.length && shapes.size === 1 ? average(all) : undefined;
}

interface Member {
  readonly vocabulary: Vocabulary;
  readonly startWord: number;
  readonly endWord: number;
}

function checkAgreement(first: Member, other: Member, place: number): void {
  const mine = first.vocabulary.toJSON().words;
  const theirs = other.vocabulary.toJSON().words;
  const show = (word: string | undefined) => (word === undefined ? 'missing' : `"${word}"`);
  for (let index = 0; index < Math.max(mine.length, theirs.length); index++) {
    if (mine[index] === theirs[index]) continue;
    throw new ValueError(
      `the vocabularies of an ensemble must agree: word ${index} is ${show(mine[index])} in model 1 but ${show(theirs[index])} in model ${place}`,
    );
  }
  for (const name of ['startWord', 'endWord'] as const) {
    if (first[name] === other[name]) continue;
    throw new ValueError(
      `${name} is ${first[name]} in model 1 but ${other[name]} in model ${place}`,
    );
  }
}
