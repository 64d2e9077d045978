/** `runlet/session` is @runlet/session: what runs a bundle, without a dependency or a Node import. */
export * from './host/session/index.ts';
