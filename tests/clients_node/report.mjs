// What every script shares: the lab's variables, the shape of an error, and one line of JSON at the end.

export const env = (name) => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

export const [schema, name] = env('JOBS_TABLE').split('.');
export const table = `${schema}.${name}`;

/** The error that a promise rejects with, as plain data; null when it does not reject. */
export const errorOf = (promise) =>
  promise.then(
    () => null,
    (error) => ({ ...error, name: error.name, message: error.message, cause: error.cause?.message }),
  );

export const report = (results) => process.stdout.write(JSON.stringify(results) + '\n');
