export const imported = 0
