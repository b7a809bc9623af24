/** How long any single step of a test may take. */
export const DEADLINE_MS = 60_000;
