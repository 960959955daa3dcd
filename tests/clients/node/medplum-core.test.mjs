// @medplum/core: signs in by itself, caches, and bundles reads into batches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MedplumClient } from '@medplum/core';
import { clientId, number, observation, patient, root, secret, token } from './setting.mjs';

const options = { baseUrl: root, fhirUrlPath: 'fhir', tokenUrl: 'oauth/token' };
const medplum = new MedplumClient({ ...options, cacheTime: 0 });
medplum.setAccessToken(token);

const system = 'urn:medplum';
const identified = () => {
  const value = number();
  return [`identifier=${system}|${value}`, patient({ identifier: [{ system, value }] })];
};

test('it signs in with the credentials of a client', async () => {
  const own = new MedplumClient(options);
  try {
    await own.startClientLogin(clientId, secret);
    assert.ok((await own.createResource(patient())).id);
  } finally {
    own.clear();
  }
});

test('a resource lives from create to delete, with its versions', async () => {
  const made = await medplum.createResource(patient());
  const updated = await medplum.updateResource({ ...made, active: true });
  assert.equal(updated.meta.versionId, '2');
  const patched = await medplum.patchResource('Patient', made.id, [
    { op: 'test', path: '/meta/versionId', value: '2' },
    { op: 'add', path: '/language', value: 'zh' },
  ]);
  assert.equal(patched.language, 'zh');
  assert.equal((await medplum.readVersion('Patient', made.id, '1')).active, undefined);
  assert.equal((await medplum.readHistory('Patient', made.id)).entry.length, 3);
  await medplum.deleteResource('Patient', made.id);
  await assert.rejects(medplum.readResource('Patient', made.id), (error) => {
    assert.equal(error.outcome.resourceType, 'OperationOutcome');
    return true;
  });
});

test('an update that changes nothing is no new version', async () => {
  const made = await medplum.createResource(patient());
  const same = await medplum.updateResource({ ...made });
  assert.equal(same.meta.versionId, '1');
});

test('conditional create and update', async () => {
  const [query, content] = identified();
  const first = await medplum.createResourceIfNoneExist(content, query);
  const again = await medplum.createResourceIfNoneExist(content, query);
  assert.equal(again.id, first.id);
  const changed = await medplum.upsertResource({ ...content, active: true }, query);
  assert.deepEqual([changed.id, changed.active], [first.id, true]);
});

test('searches and their pages', async () => {
  const { id } = await medplum.createResource(patient());
  for (let index = 0; index < 5; index += 1) {
    await medplum.createResource(observation(`Patient/${id}`));
  }
  const query = { subject: `Patient/${id}`, _count: '2', _sort: '_id' };
  const sizes = [];
  for await (const page of medplum.searchResourcePages('Observation', query)) {
    sizes.push(page.length);
  }
  assert.deepEqual(sizes, [2, 2, 1]);
  const one = await medplum.searchOne('Patient', `_id=${id}`);
  assert.equal(one.id, id);
  const counted = await medplum.search('Observation', { ...query, _summary: 'count' });
  assert.equal(counted.total, 5);
  const everything = await medplum.readPatientEverything(id);
  assert.equal(everything.entry.length, 6);
});

test('references, value sets and validation', async () => {
  const made = await medplum.createResource(patient());
  const read = await medplum.readReference({ reference: `Patient/${made.id}` });
  assert.equal(read.id, made.id);
  const expanded = await medplum.valueSetExpand({
    url: 'http://hl7.org/fhir/ValueSet/administrative-gender',
  });
  assert.equal(expanded.expansion.contains.length, 4);
  const outcome = await medplum.validateResource(patient());
  assert.equal(outcome.resourceType, 'OperationOutcome');
});

test('reads at once go as one batch', async () => {
  const batching = new MedplumClient({ ...options, autoBatchTime: 20, cacheTime: 0 });
  batching.setAccessToken(token);
  const people = await Promise.all([1, 2, 3].map(() => medplum.createResource(patient())));
  const read = await Promise.all(people.map((one) => batching.readResource('Patient', one.id)));
  assert.deepEqual(read.map((one) => one.id), people.map((one) => one.id));
});

test('a transaction links its entries; attachments are stored as Binary', async () => {
  const fullUrl = `urn:uuid:${number()}`;
  const answer = await medplum.executeBatch({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { resource: observation(fullUrl), request: { method: 'POST', url: 'Observation' } },
      { fullUrl, resource: patient(), request: { method: 'POST', url: 'Patient' } },
    ],
  });
  const [lab, person] = answer.entry.map((one) => one.resource);
  assert.equal(lab.subject.reference, `Patient/${person.id}`);
});
