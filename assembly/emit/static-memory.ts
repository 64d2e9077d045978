/**
 * Addresses of a module's static memory: numbers that the memory map and a patched interpreter share with the
 * compiler's flags (asconfig.json).
 *
 * In: bytes.  Out: addresses and pages. No Node import: the browser patches interpreters too. A test compares
 * both with asconfig.json.
 */
const pageBytes = 65536;

/** Start of static memory. Address 0 stays unused. */
export const memoryBase = 16;

/**
 * Bytes of stack behind static memory: __heap_base - __data_end. Nothing uses the stack; 8 is the smallest
 * number with which WAMR shrinks a memory (docs/adr/0003).
 */
export const stackBytes = 8;

/** Returns the pages for static memory that ends at `end`, and for the stack behind it. */
export const pagesFor = (end: number): number => Math.ceil((end + stackBytes) / pageBytes);
