// fhir-kit-client (Vermonster): every interaction that it has.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CapabilityTool, Client } from 'fhir-kit-client';
import { fhir, number, observation, patient, root, token } from './setting.mjs';

const client = new Client({ baseUrl: fhir, bearerToken: token });
const made = (elements) =>
  client.create({ resourceType: 'Patient', body: patient(elements) });

async function status(promise) {
  return promise.then(
    () => assert.fail('it was not refused'),
    (error) => {
      assert.equal(error.response.data.resourceType, 'OperationOutcome');
      return error.response.status;
    },
  );
}

test('the statement is what its capability tool reads', async () => {
  const tool = new CapabilityTool(await client.capabilityStatement());
  assert.ok(tool.serverCan('transaction'));
  assert.ok(tool.serverCan('batch'));
  assert.ok(tool.resourceCan('Patient', 'update'));
  assert.ok(tool.supportFor({ capabilityType: 'versioning', resourceType: 'Patient' }));
});

test('discovery finds the token endpoint', async () => {
  const { tokenUrl } = await client.smartAuthMetadata();
  assert.equal(String(tokenUrl), `${root}/oauth/token`);
});

test('a resource lives from create to delete, with its versions', async () => {
  const { id } = await made();
  const read = await client.read({ resourceType: 'Patient', id });
  assert.equal(read.name[0].family, '林');
  const updated = await client.update({
    resourceType: 'Patient',
    id,
    body: { ...read, active: true },
    options: { headers: { 'If-Match': 'W/"1"' } },
  });
  assert.equal(updated.meta.versionId, '2');
  const patched = await client.patch({
    resourceType: 'Patient',
    id,
    jsonPatch: [{ op: 'replace', path: '/active', value: false }],
  });
  assert.deepEqual([patched.active, patched.meta.versionId], [false, '3']);
  const first = await client.vread({ resourceType: 'Patient', id, version: '1' });
  assert.equal(first.active, undefined);
  const late = client.update({
    resourceType: 'Patient',
    id,
    body: read,
    options: { headers: { 'If-Match': 'W/"1"' } },
  });
  assert.equal(await status(late), 412);
  await client.delete({ resourceType: 'Patient', id });
  assert.equal(await status(client.read({ resourceType: 'Patient', id })), 410);
  const history = await client.history({ resourceType: 'Patient', id });
  assert.deepEqual(
    history.entry.map((one) => one.request.method),
    ['DELETE', 'PUT', 'PUT', 'POST'],
  );
  assert.equal((await client.history({ resourceType: 'Patient' })).type, 'history');
  assert.equal((await client.history()).type, 'history');
});

test('searches of all three kinds, by GET and by POST, and their pages', async () => {
  const value = number();
  const { id } = await made({ identifier: [{ system: 'urn:kit', value }] });
  const subject = `Patient/${id}`;
  for (let index = 0; index < 5; index += 1) {
    await client.create({ resourceType: 'Observation', body: observation(subject) });
  }
  const searchParams = { identifier: `urn:kit|${value}` };
  const found = await client.search({ resourceType: 'Patient', searchParams });
  assert.deepEqual(found.entry.map((one) => one.resource.id), [id]);
  const posted = await client.resourceSearch({
    resourceType: 'Patient',
    searchParams,
    options: { postSearch: true },
  });
  assert.deepEqual(posted.entry.map((one) => one.resource.id), [id]);
  const everywhere = await client.systemSearch({ searchParams: { _id: id, _type: 'Patient' } });
  assert.equal(everywhere.entry.length, 1);
  const compartment = { resourceType: 'Patient', id };
  let page = await client.compartmentSearch({
    resourceType: 'Observation',
    compartment,
    searchParams: { _count: 2 },
  });
  const sizes = [];
  while (page) {
    sizes.push(page.entry.length);
    page = await client.nextPage({ bundle: page });
  }
  assert.deepEqual(sizes, [2, 2, 1]);
});

test('a transaction is all or nothing, a batch each for itself', async () => {
  const fullUrl = `urn:uuid:${number()}`;
  const post = (url, resource, name) => ({
    ...(name && { fullUrl: name }),
    resource,
    request: { method: 'POST', url },
  });
  const body = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [post('Observation', observation(fullUrl)), post('Patient', patient(), fullUrl)],
  };
  const answer = await client.transaction({ body });
  const [lab, person] = answer.entry.map((one) => one.resource);
  assert.equal(lab.subject.reference, `Patient/${person.id}`);
  const broken = { ...body, entry: [...body.entry, post('Patient', patient({ gender: '?' }))] };
  assert.equal(await status(client.transaction({ body: broken })), 422);
  const batch = await client.batch({ body: { ...broken, type: 'batch', entry: [
    post('Patient', patient()), post('Patient', patient({ gender: '?' })),
  ] } });
  assert.deepEqual(batch.entry.map((one) => one.response.status.slice(0, 3)), ['201', '422']);
});

test('operations of the system, a type and an instance', async () => {
  const { id } = await made();
  const all = await client.operation({
    name: 'everything', resourceType: 'Patient', id, method: 'GET',
  });
  assert.equal(all.entry[0].resource.id, id);
  const told = await client.operation({
    name: 'validate',
    resourceType: 'Patient',
    input: {
      resourceType: 'Parameters',
      parameter: [{ name: 'resource', resource: patient() }],
    },
  });
  assert.equal(told.resourceType, 'OperationOutcome');
  const looked = await client.operation({
    name: 'lookup',
    resourceType: 'CodeSystem',
    method: 'GET',
    input: { system: 'http://hl7.org/fhir/administrative-gender', code: 'female' },
  });
  assert.equal(looked.resourceType, 'Parameters');
});

test('references are resolved', async () => {
  const { id } = await made();
  const lab = await client.create({
    resourceType: 'Observation', body: observation(`Patient/${id}`),
  });
  const relative = await client.resolve({ reference: lab.subject.reference });
  assert.equal(relative.id, id);
  const absolute = await client.resolve({ reference: `${fhir}/Patient/${id}` });
  assert.equal(absolute.id, id);
});

test('refusals carry an OperationOutcome', async () => {
  assert.equal(await status(client.read({ resourceType: 'Patient', id: 'nobody' })), 404);
  assert.equal(await status(client.read({ resourceType: 'Nothing', id: 'x' })), 404);
  const unknown = client.search({ resourceType: 'Patient', searchParams: { nonsense: '1' } });
  assert.equal(await status(unknown), 400);
  const stranger = new Client({ baseUrl: fhir });
  assert.equal(await status(stranger.read({ resourceType: 'Patient', id: 'x' })), 401);
});
