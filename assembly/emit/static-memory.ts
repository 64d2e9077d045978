/**
 * Where a module's static memory lies: numbers that the memory map and a patched interpreter share with the
 * compiler's flags (asconfig.json).
 *
 * In: bytes.  Out: addresses and pages.  No Node import: the browser patches interpreters too. A test holds
 * both against asconfig.json.
 */
export const pageBytes = 65536;

/** Where static memory starts: address 0 stays unused. */
export const memoryBase = 16;

/**
 * Bytes of stack behind static memory: __heap_base - __data_end. Nothing uses it; 8 is the least that WAMR
 * shrinks a memory with (docs/adr/0003).
 */
export const stackBytes = 8;

/** Pages of static memory that ends at `end`, and of the stack behind it. */
export const pagesFor = (end: number): number => Math.ceil((end + stackBytes) / pageBytes);
