export interface NginxOptions {
	/** Ports of the servers behind it, taken in turn. */
	upstreams: readonly number[]
	/** Parameters of each of them, for example `max_fails=0`. */
	upstream?: string
	/** Milliseconds without a byte from upstream until nginx gives up. @default 60_000, nginx's own */
	readTimeout?: number
	/** Compresses every type for clients that accept it, event streams too. @default true */
	gzip?: boolean
	/** Directives for the location, for example `proxy_http_version 1.1;`. */
	location?: string
}

/** Where an instance lives, and which of its configurations this is. */
export interface Instance {
	dir: string
	httpPort: number
	httpsPort: number
	generation: number
}

/** Path at which nginx itself says which configuration is in force. */
export const generationPath = '/.nginx-generation'

/** nginx as it comes: whatever is not said here, buffering above all, is its default. */
export function nginxConfig(options: NginxOptions, instance: Instance): string {
	const { dir, httpPort, httpsPort, generation } = instance
	const { upstreams, upstream = '', readTimeout, gzip = true, location = '' } = options
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
	return `
daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${dir}/nginx.pid;
error_log stderr notice;
events { worker_connections 16384; }
worker_rlimit_nofile 40000;
http {
	access_log off;
	${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join('\n\t')}
	gzip ${gzip ? 'on' : 'off'};
	gzip_types *;
	upstream app {
		${upstreams.map((port) => `server 127.0.0.1:${port} ${upstream};`).join('\n\t\t')}
	}
	server {
		listen 127.0.0.1:${httpPort};
		listen 127.0.0.1:${httpsPort} ssl http2;
		ssl_certificate ${dir}/cert.pem;
		ssl_certificate_key ${dir}/key.pem;
		location = ${generationPath} { return 200 "generation ${generation}."; }
		location / {
			proxy_pass http://app;
			proxy_set_header Host $http_host;
			${readTimeout === undefined ? '' : `proxy_read_timeout ${readTimeout}ms;`}
			${location}
		}
	}
}
`
}
