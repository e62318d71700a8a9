export * from './dates';
export * from './locale';
export * from './money';
export * from './phone';
export * from './places';
export * from './rate';
