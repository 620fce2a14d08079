// Calls from standard input through the vendor's Node tracer, results to output; the forms are ddtrace_driver.py's.
'use strict'
const tracer = require('dd-trace').init()

async function result (call) {
  try {
    return { evaluation: await tracer.aiguard.evaluate(call.messages, call.options ?? undefined) }
  } catch (error) {
    if (error.name === 'AIGuardAbortError') {
      return { abort: { action: error.action, reason: error.reason, tags: error.tags } }
    }
    return { error: { name: error.name, message: error.message, errors: error.errors } }
  }
}

async function main () {
  let input = ''
  for await (const chunk of process.stdin) input += chunk
  const results = []
  for (const call of JSON.parse(input)) results.push(await result(call))
  process.stdout.write(JSON.stringify(results), () => process.exit(0))
}

main()
