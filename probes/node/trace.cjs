// Watches a Node program's network: node --require trace.cjs. Each event and each piece of payload is one
// JSON line on the descriptor REPRO_CHANNEL, which the probe's own answers go to as well, so that their order holds.
'use strict';

const dns = require('node:dns');
const fs = require('node:fs');
const net = require('node:net');
const tls = require('node:tls');

const CHANNEL = Number(process.env.REPRO_CHANNEL);
const now = () => Number(process.hrtime.bigint()) / 1e9;
const tell = (line) => fs.writeSync(CHANNEL, JSON.stringify(line) + '\n');

let connections = 0;
const numbers = new WeakMap();
const muted = new WeakSet();

const numberOf = (socket) => {
  if (!numbers.has(socket)) numbers.set(socket, ++connections);
  return numbers.get(socket);
};

// Lookups. The callback may come as the second argument or as the third.
const lookup = dns.lookup;
dns.lookup = function (name, options, callback) {
  const done = typeof options === 'function' ? options : callback;
  const t0 = now();
  const watched = function (error, found) {
    const answers = error ? [] : Array.isArray(found) ? found.map((each) => each.address) : [found];
    if (net.isIP(String(name)) === 0) {
      tell({ event: 'dns', t0, t: now(), 'dns.name': String(name), 'dns.answers': answers, code: error?.code ?? null });
    }
    return done.apply(this, arguments);
  };
  return typeof options === 'function'
    ? lookup.call(dns, name, watched)
    : lookup.call(dns, name, options, watched);
};
Object.defineProperties(dns.lookup, Object.getOwnPropertyDescriptors(lookup)); // its promisified form stays

// Attempts. Since Node 20 each address of happy eyeballs is an event of its own.
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  if (!numbers.has(this)) watchAttempts(this);
  return connect.apply(this, args);
};

const watchAttempts = (socket) => {
  const conn = numberOf(socket);
  const begun = new Map();
  const ended = (address, port, code) => {
    const t0 = begun.get(`${address} ${port}`);
    if (t0 === undefined) return;
    begun.delete(`${address} ${port}`);
    tell({ event: 'connect', conn, t0, t: now(), address, port, code });
  };
  socket.on('connectionAttempt', (address, port) => begun.set(`${address} ${port}`, now()));
  socket.on('connectionAttemptFailed', (address, port, family, error) => ended(address, port, error.code));
  socket.on('connectionAttemptTimeout', (address, port) => ended(address, port, 'timeout'));
  socket.on('connect', () => ended(socket.remoteAddress, socket.remotePort, null));
  if (!(socket instanceof tls.TLSSocket)) watchBytes(socket, conn, 'connect');
  socket.on('error', (error) => {
    if (error.syscall === 'connect') ended(error.address, error.port, error.code);
  });
  socket.on('close', () => {
    for (const key of begun.keys()) {
      const [address, port] = key.split(' ');
      ended(address, Number(port), 'abandoned');
    }
    tell({ event: 'close', conn, t0: now(), t: now() });
  });
};

// TLS, and the bytes inside it. The plain socket below is muted: what it carries is encrypted.
const tlsConnect = tls.connect;
tls.connect = function (...args) {
  const t0 = now();
  const socket = tlsConnect.apply(this, args);
  const below = socket._parent ?? args.find((each) => each?.socket)?.socket;
  if (below) {
    numbers.set(socket, numberOf(below));
    muted.add(below);
  }
  const conn = numberOf(socket);
  watchBytes(socket, conn, 'secureConnect', { inside: true });
  let vouched = {};
  socket.prependOnceListener('secure', () => (vouched = issuer(socket))); // an untrusted one is gone right after
  socket.prependOnceListener('secureConnect', () =>
    tell({
      event: 'tls.handshake', conn, t0, t: now(), code: null, 'tls.sni': socket.servername || null,
      'tls.version': socket.getProtocol(), 'tls.cipher': socket.getCipher()?.standardName ?? null,
      'tls.alpn': socket.alpnProtocol || null, ...vouched,
    }),
  );
  socket.once('error', (error) => {
    if (error.syscall !== 'connect' && !socket.authorized && !socket.getProtocol()) {
      tell({
        event: 'tls.handshake', conn, t0, t: now(), code: error.code ?? 'ERR_SSL',
        reason: String(error.reason ?? ''), ...vouched,
      });
    }
  });
  return socket;
};

// Who signed the server's certificate; a name that is there twice is a list.
const issuer = (socket) => {
  const { O: organisation, CN: name } = socket.getPeerCertificate()?.issuer ?? {};
  const text = [organisation, name].flat().find((each) => each);
  return text ? { 'tls.issuer': String(text).slice(0, 64) } : {};
};

// What is written before a socket is open waits inside it, and is never sent where it does not open. What is inside TLS
// is another conversation than the one that led to TLS.
const watchBytes = (socket, conn, opening, where = {}) => {
  let open = false;
  let waiting = [];
  const say = (sender, bytes) => {
    if (!muted.has(socket)) tell({ bytes, conn, sender, t: now(), ...where });
  };
  const written = (data, encoding) => {
    const bytes = Buffer.from(data, encoding).toString('base64');
    if (open) say('client', bytes);
    else waiting.push(bytes);
  };
  socket.on(opening, () => {
    open = true;
    for (const bytes of waiting) say('client', bytes);
    waiting = [];
  });
  socket.on('close', () => {
    open = false; // it may be connected anew
    waiting = [];
  });
  const { _write, _writev, push } = socket;
  socket._write = function (data, encoding, done) {
    written(data, encoding);
    return _write.call(this, data, encoding, done);
  };
  if (_writev) {
    socket._writev = function (chunks, done) {
      for (const { chunk, encoding } of chunks) written(chunk, encoding);
      return _writev.call(this, chunks, done);
    };
  }
  socket.push = function (data, encoding) {
    if (data) say('server', Buffer.from(data, encoding).toString('base64'));
    return push.call(this, data, encoding);
  };
};
