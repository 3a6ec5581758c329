import { describeExamples } from './describe-examples.js'

// A file for each major version, so that they run side by side.
await describeExamples(3)
