/** `runlet/session` is @runlet/session: it runs a bundle, without dependencies or Node imports. */
export * from './host/session/index.ts';
