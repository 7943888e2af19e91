/** The version of this package, without a file to read: a browser has none. */

/** A test holds it against package.json. */
export const packageVersion = '0.2.0';
