// Where the serverless packages are to dial, if it is not what they derive from the URL.
import ws from 'ws';

export const pointed = (neonConfig, { webSocket = false } = {}) => {
  if (webSocket) neonConfig.webSocketConstructor = ws; // Node 20 has none of its own
  if (process.env.NEON_WS_PROXY) neonConfig.wsProxy = process.env.NEON_WS_PROXY;
  if (process.env.NEON_FETCH_ENDPOINT) neonConfig.fetchEndpoint = process.env.NEON_FETCH_ENDPOINT;
  if (process.env.NEON_PIPELINE_CONNECT === 'false') neonConfig.pipelineConnect = false;
};

/** @vercel/postgres has a neonConfig of its own, that of the package nested in it. */
export const pointedVercel = async () => {
  const nested = './node_modules/@vercel/postgres/node_modules/@neondatabase/serverless/index.mjs';
  const { neonConfig } = await import(new URL(nested, import.meta.url));
  pointed(neonConfig);
};
