/** The ledger cannot vouch for an external action, so the action must not happen (02-R80). For people; no secret. */
export class AuditRefused extends Error {
  constructor(reason: string) {
    super(`external action refused: ${reason}`);
    this.name = "AuditRefused";
  }
}
