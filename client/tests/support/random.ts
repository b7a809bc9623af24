/** Chance that can be had again: `SEED=n` in the environment, and else another one each time, which is printed. */

export function seed(): number {
  const given = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));
  console.info(`SEED=${given}`);
  return given;
}

/** A small generator, in place of `Math.random`. */
export function random(from: number): () => number {
  let state = from;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
