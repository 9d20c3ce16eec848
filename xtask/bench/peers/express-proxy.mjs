// The peer of `cargo xtask proxy-cost`: what a team writes today. Checks a key, puts the upstream's credential in, passes
// everything through; connections to the upstream are kept alive.
import http from 'node:http';
import express from 'express';
import httpProxy from 'http-proxy';

const { TARGET, KEY, CREDENTIAL } = process.env;
const proxy = httpProxy.createProxyServer({
  target: TARGET,
  agent: new http.Agent({ keepAlive: true, maxSockets: 64 }),
});
proxy.on('error', (_error, _request, response) => {
  response.writeHead?.(502);
  response.end();
});

const app = express();
app.disable('x-powered-by');
app.use((request, response) => {
  if (request.headers.authorization !== `Bearer ${KEY}`) {
    response.status(401).end();
    return;
  }
  request.headers.authorization = `Bearer ${CREDENTIAL}`;
  proxy.web(request, response);
});

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
