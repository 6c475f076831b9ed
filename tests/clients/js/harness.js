// SPDX-License-Identifier: Apache-2.0
// What the stories of both JavaScript SDKs share: where the server is, how a step is told.
'use strict';
const assert = require('node:assert/strict');

const MIB = 1 << 20;
const tag = process.env.STORY_TAG;

function pattern(size) {
  const data = Buffer.alloc(size);
  for (let i = 0; i < size; ++i) data[i] = i % 251;
  return data;
}

// The error of a promise that must fail with this name (class or code).
async function raises(name, promise) {
  let error;
  try {
    await promise;
  } catch (e) {
    error = e;
  }
  assert.ok(error, `no ${name}`);
  assert.equal(error.code ?? error.name, name, `${error.name} ${error.code}: ${error.message}`);
  return error;
}

// One request by plain HTTP(S); its body.
async function fetched(url, options = {}, status = 200) {
  const answer = await fetch(url, options);
  const body = await answer.text();
  assert.equal(answer.status, status, body);
  return body;
}

// A presigned URL with another signature.
const spoiled = (url) => url.replace(/Signature=(.)/, (_, first) => 'Signature=' + (first === 'A' ? 'B' : 'A'));

async function collect(pages) {
  const all = [];
  for await (const page of pages) all.push(page);
  return all;
}

async function tell(steps) {
  for (const [step, run] of Object.entries(steps)) {
    try {
      await run();
      console.log(JSON.stringify({ step, ok: true }));
    } catch (error) {
      console.log(JSON.stringify({ step, ok: false, error: String(error.stack).slice(0, 4000) }));
    }
  }
}

module.exports = { MIB, assert, collect, fetched, pattern, raises, spoiled, strict: process.env.STORY_MODE === 'strict', tag, tell };
