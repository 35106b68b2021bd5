// Why a file of ratings cannot be used.

/** A file that cannot be used. Its message is a sentence for the visitor: what is wrong, and the fix. */
export class FileProblem extends Error {}
