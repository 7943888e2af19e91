/** The points a and b of winograd.ts, and their squares. */
export const A: f64 = 0.625;
export const B: f64 = 1.5;
export const A2: f64 = A * A;
export const B2: f64 = B * B;
