/** A real PostgreSQL server that lives no longer than the process that started it. */
export interface PostgresServer {
    url(database: string): string;
    /** A new, empty database; answers its URL. */
    createDatabase(): Promise<string>;
    dropDatabase(url: string): Promise<void>;
    stop(): Promise<void>;
}
/**
 * Starts a server in a directory of its own, reached through a socket in there, so that no two of them share a file
 * or a port. The binaries are copied along: PostgreSQL refuses to run as root, and whoever it runs as instead
 * may have no way into our `node_modules`.
 */
export declare function startPostgres(): Promise<PostgresServer>;
