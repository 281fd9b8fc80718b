/** Something that cannot be measured here, and why: no failure of the benchmark, but never left out of its results. */
export class NotRun extends Error {}
