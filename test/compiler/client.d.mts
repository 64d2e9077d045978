/** Returns the kind of request that replaces this thread, or undefined if the thread is started. */
export declare function kindOf(url: URL): 'asc' | 'ir' | undefined;
