/** What the server is asked for in place of the thread of this file, if it is asked. */
export declare function kindOf(url: URL): 'asc' | 'ir' | undefined;
