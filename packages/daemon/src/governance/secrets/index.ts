export { type ImportDeps, importAuthFile, parseAuthFile } from "./import-file.ts";
export { loadMasterKey, type MasterKey, masterKeyOf, parseMasterKey, VaultError } from "./master-key.ts";
export { type Sealed, seal, unseal } from "./seal.ts";
export { AUDIT_KEY_RECORD, openKey, type SealedKey, sealKey } from "./sealed-key.ts";
export { hasSlots } from "./stored-slot.ts";
export { AUTH_STREAM, type Change, type OpenSlot, type RekeyResult, type SlotEvent, Vault } from "./vault.ts";
