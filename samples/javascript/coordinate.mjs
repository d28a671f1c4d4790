// Two jobs that need the same model, coordinated from JavaScript. There is no library of Interlock's in here: every call is
// an SQL function of the project, called with the official client. Ends with exit code 0 when all went as it should.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'
import WebSocket from 'ws'

const supabase = createClient(process.env.SUPABASE_URL, process.env.SUPABASE_SECRET_KEY ?? process.env.SUPABASE_SERVICE_ROLE_KEY, {
  auth: { persistSession: false },
  // The client wants a WebSocket even where nothing is listened to; Node has one of its own from version 22 on.
  realtime: { transport: WebSocket }
})

/** Calls a function of the coordinator; misuse comes back as an error with a code and a hint. */
async function call(name, args) {
  const { data, error } = await supabase.rpc(`job_queue_${name}`, args)
  if (error) throw Object.assign(new Error(`${error.code} ${error.message} ${error.hint ?? ''}`), { code: error.code })
  return data
}

// Names of this run alone, so that it neither waits for nor takes a job of yours.
const run = randomUUID().slice(0, 8)
const [knight, castle, model, handler] = ['knight', 'castle', 'motion-2.0-fast', 'image'].map(name => `${name}-js-${run}`)
const worker = `javascript-${run}`

// Putting a job in line twice is no harm: the second time it is there already, and keeps its place.
const job = (id, prompt) => ({ job_id: id, models: [model], handler, payload: { prompt } })
const jobs = [job(knight, 'a knight on a bridge'), job(castle, 'a castle at dawn')]
const entered = await call('enqueue', { jobs })
assert.deepEqual(entered.jobs.map(j => j.result), ['entered', 'entered'])
assert.deepEqual((await call('enqueue', { jobs })).jobs.map(j => j.result), ['exists', 'exists'])

// A worker asks for two jobs that it can run, and gets one: the model takes one at a time.
const { leases: [first, ...others] } = await call('claim', { worker_id: worker, max_jobs: 2, options: { handlers: [handler], lease_seconds: 10 } })
assert.equal(first.job_id, knight)
assert.equal(others.length, 0)
console.log(`${first.job_id} runs: "${first.payload.prompt}", attempt ${first.attempt}, until ${first.lease_until}`)

const why = await call('explain', { job_id: castle })
assert.equal(why.queue_position, 1)
assert.equal(why.blocked_by_job_id, knight)
console.log(`${castle} waits at ${why.queue_position}: ${why.conflict_reason}`)

// The lease is renewed while the work goes on, with how far it has come.
const { leases: [beat] } = await call('heartbeat', { worker_id: worker, leases: [{ job_id: knight, token: first.token, progress: 60 }] })
assert.equal(beat.result, 'held')

// One call ends the job and gets the next one.
const ended = await call('complete', {
  outcomes: [{ job_id: knight, token: first.token, outcome: 'complete', result: { url: 'https://example.com/knight.png' } }],
  options: { worker_id: worker, claim: { max_jobs: 1, handlers: [handler], lease_seconds: 10 } }
})
assert.equal(ended.outcomes[0].result, 'completed')
const [second] = ended.leases
assert.equal(second.job_id, castle)
assert.ok(second.token > first.token)
console.log(`${knight} is done, and the same answer brought ${second.job_id}`)

// Whoever comes late with an old token changes nothing.
const finish = (token, result) => call('complete', { outcomes: [{ job_id: castle, token, outcome: 'complete', result }] })
const late = await finish(first.token, { url: 'https://example.com/too-late.png' })
assert.equal(late.outcomes[0].result, 'stale')
const right = await finish(second.token, { url: 'https://example.com/castle.png' })
assert.equal(right.outcomes[0].result, 'completed')

// A job that does not say which models it needs is refused, whole: "unknown" never means "free".
await assert.rejects(call('start', { job_id: `nothing-js-${run}`, models: [] }), { code: 'JQ002' })

for (const id of [knight, castle]) {
  const { status, result, attempt } = await call('explain', { job_id: id })
  assert.deepEqual([status, attempt], ['completed', 1])
  console.log(`${id}: ${status}, ${result.url}`)
}
console.log('Both are done, one after the other, from JavaScript.')
