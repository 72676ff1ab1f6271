import type { DatabaseSync } from "node:sqlite";
import type { Json } from "@kheish/contract";
import type {
  ListedRecord,
  ListQuery,
  ReadAllRange,
  StoredEvent,
  StoredRecord,
  StreamRange,
} from "../store.ts";
import { StoreError } from "../store.ts";
import { asStoreError } from "./errors.ts";
import { Journal } from "./journal.ts";
import { Records } from "./records.ts";

/** What is read from a file for nothing but its answer, by any connection to it. */
export class SqliteReads {
  protected readonly db: DatabaseSync;
  protected readonly path: string;
  protected readonly journal: Journal;
  protected readonly records: Records;

  constructor(db: DatabaseSync, path: string) {
    this.db = db;
    this.path = path;
    this.journal = new Journal(db);
    this.records = new Records(db);
  }

  async readStream(stream: string, range: StreamRange = {}): Promise<StoredEvent[]> {
    return this.read(() => this.journal.readStream(stream, range));
  }

  async readEvents(stream: string, seqs: readonly number[]): Promise<StoredEvent[]> {
    return this.read(() => this.journal.readEvents(stream, seqs));
  }

  async streamHead(stream: string): Promise<number> {
    return this.read(() => this.journal.streamHead(stream));
  }

  async readAll({ afterPosition, limit }: ReadAllRange): Promise<StoredEvent[]> {
    return this.read(() => this.journal.readAll(afterPosition, limit));
  }

  async head(): Promise<number> {
    return this.read(() => this.journal.head());
  }

  async get<T extends Json = Json>(kind: string, id: string): Promise<StoredRecord<T> | undefined> {
    return this.read(() => this.records.get<T>(kind, id));
  }

  async getMany<T extends Json = Json>(kind: string, ids: readonly string[]): Promise<StoredRecord<T>[]> {
    return this.read(() => [...new Set(ids)].flatMap((id) => this.records.get<T>(kind, id) ?? []));
  }

  async list<T extends Json = Json>(kind: string, query: ListQuery): Promise<ListedRecord<T>[]> {
    return this.read(() => this.records.list<T>(kind, query));
  }

  protected read<T>(answer: () => T): T {
    this.mustBeOpen();
    try {
      return answer();
    } catch (error) {
      throw asStoreError(error, this.path);
    }
  }

  protected mustBeOpen(): void {
    if (!this.db.isOpen) throw new StoreError("unavailable", `${this.path} is closed`);
  }
}
