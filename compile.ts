/** `runlet/compile` */
export * from './host/session/index.ts';
