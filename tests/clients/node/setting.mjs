// What the Python test tells: where the server is, and who asks.
import { randomUUID } from 'node:crypto';

export const fhir = process.env.GATEWAY_FHIR;
export const root = fhir.replace(/\/fhir$/, '');
export const token = process.env.GATEWAY_TOKEN;
export const clientId = process.env.GATEWAY_CLIENT_ID;
export const secret = process.env.GATEWAY_SECRET;

export const number = () => randomUUID();

export const patient = (elements = {}) => ({
  resourceType: 'Patient',
  name: [{ family: '林', given: ['桂芳'] }],
  gender: 'female',
  birthDate: '1962',
  ...elements,
});

export const observation = (subject, elements = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '718-7' }] },
  subject: { reference: subject },
  ...elements,
});
