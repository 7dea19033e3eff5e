// The SDK's own tests; guests are projects of their own.

export default { test: { include: ["tests/*.test.{ts,js}"] } };
