/** The part of the package that is used here; it ships no types of its own. */
declare module 'fs-native-extensions' {
  export function tryLock(fd: number, options: { readonly shared: boolean }): boolean;
}
