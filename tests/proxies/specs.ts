import type { ToolName } from '../support/tools.js'
import { documented, type Change } from './documented.js'

/** Where a proxy runs. */
export interface Place {
	/** An empty folder of its own. */
	dir: string
	/** The port to listen on. */
	port: number
	/** The port to listen on for HTTP/2 without TLS, where one port cannot take both. */
	http2Port: number
	/** A free port, for a second server in the same process. */
	innerPort: number
	/** Host and port of the app. */
	app: string
}

/** What a test has differently. */
export interface Variation {
	changes?: readonly Change[]
	args?: readonly string[]
}

/** How a proxy is started with its documented configuration. */
export interface Spec {
	program: ToolName
	/** The documented configuration, with what a proxy that runs beside others needs, and HTTP/2 without TLS. */
	config(place: Place): string
	/** The command line. */
	args(file: string, place: Place): string[]
	env?(place: Place): NodeJS.ProcessEnv
	/** Whether HTTP/2 has a port of its own. */
	separatesHttp2?: boolean
	/** Gives a silent stream up after two seconds; absent where a proxy waits for ever. */
	impatient?: Variation
	/** Compresses streams, as far as the proxy does. */
	compressing?: Variation
}

/** The address of the app, as in the document. */
const app = '127.0.0.1:3000'

const HAProxy: Spec = {
	program: 'haproxy',
	separatesHttp2: true,
	config: (place) =>
		documented('HAProxy', [
			['bind :80', `bind 127.0.0.1:${place.port}\n\tbind 127.0.0.1:${place.http2Port} proto h2`],
			[app, place.app]
		]),
	args: (file) => ['-db', '-f', file],
	impatient: {
		changes: [
			['timeout client 60s', 'timeout client 2s'],
			['timeout server 60s', 'timeout server 2s']
		]
	},
	compressing: {
		changes: [
			[
				'mode http',
				'mode http\n\tcompression algo gzip\n\tcompression type text/event-stream text/plain'
			]
		]
	}
}

const Varnish: Spec = {
	program: 'varnishd',
	config: (place) => documented('Varnish', [['"3000"', `"${place.app.split(':')[1]}"`]]),
	args: (file, { dir, port }) => [
		...['-F', '-j', 'none', '-n', dir, '-s', 'malloc,32m'],
		...['-a', `127.0.0.1:${port}`, '-f', file],
		...['-p', 'feature=+http2']
	],
	impatient: { args: ['-p', 'pipe_timeout=2'] },
	compressing: {
		changes: [
			['sub vcl_recv', 'sub vcl_backend_response { set beresp.do_gzip = true; }\nsub vcl_recv']
		]
	}
}

const lighttpd: Spec = {
	program: 'lighttpd',
	config: (place) =>
		`server.document-root = "${place.dir}"\nserver.bind = "127.0.0.1"\nserver.port = ${place.port}\n` +
		documented('lighttpd', [['3000', place.app.split(':')[1]!]]),
	args: (file) => ['-D', '-f', file],
	impatient: {
		changes: [['server.stream-', 'server.max-write-idle = 2\nserver.stream-']]
	},
	compressing: {
		changes: [
			['"mod_proxy"', '"mod_proxy", "mod_deflate"'],
			[
				'server.stream-',
				'deflate.mimetypes = ("text/")\ndeflate.allowed-encodings = ("gzip")\nserver.stream-'
			]
		]
	}
}

const modules = ['mpm_event', 'http2', 'authz_core', 'proxy', 'proxy_http', 'filter', 'deflate']

const Apache: Spec = {
	program: 'apache2',
	config: (place) =>
		[
			'ServerName localhost',
			`PidFile ${place.dir}/apache.pid`,
			`ErrorLog ${place.dir}/error.log`,
			`Listen 127.0.0.1:${place.port}`,
			'Protocols h2c http/1.1',
			...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
			documented('Apache', [
				['*:80', `127.0.0.1:${place.port}`],
				[app, place.app]
			])
		].join('\n'),
	args: (file, { dir }) => ['-DFOREGROUND', '-d', dir, '-f', file],
	impatient: { changes: [['ProxyTimeout 60', 'ProxyTimeout 2']] },
	compressing: {
		changes: [['ProxyTimeout', 'SetOutputFilter DEFLATE\n\tProxyTimeout']]
	}
}

const Caddy: Spec = {
	program: 'caddy',
	config: (place) =>
		'{\n\tadmin off\n\tauto_https off\n\tservers {\n\t\tprotocols h1 h2c\n\t}\n}\n' +
		documented('Caddy', [
			[':80', `http://127.0.0.1:${place.port}`],
			[app, place.app]
		]),
	args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
	env: ({ dir }) => ({ XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir }),
	compressing: {
		changes: [
			[
				'reverse_proxy',
				'encode {\n\t\tgzip\n\t\tmatch header Content-Type text/*\n\t}\n\treverse_proxy'
			]
		]
	}
}

const h2o: Spec = {
	program: 'h2o',
	config: (place) =>
		`${process.getuid?.() === 0 ? 'user: root\n' : ''}pid-file: ${place.dir}/h2o.pid\n` +
		documented('h2o', [
			['port: 80', `port: ${place.port}\n  host: 127.0.0.1`],
			[app, place.app]
		]),
	args: (file) => ['-m', 'worker', '-c', file],
	impatient: { changes: [['proxy.timeout.io: 60000', 'proxy.timeout.io: 2000']] },
	compressing: {
		changes: [
			[
				'proxy.timeout.io',
				'compress: [gzip]\nfile.mime.addtypes:\n  text/event-stream:\n    extensions: [.events]\n' +
					'    is_compressible: YES\nproxy.timeout.io'
			]
		]
	}
}

/** `http` of nginx, which includes such files as the documented one. */
function nginxMain({ dir }: Place, ...servers: string[]): string {
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
	return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${dir}/nginx.pid;
error_log stderr notice;
events {}
http {
access_log off;
${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join('\n')}
${servers.join('\n')}
}
`
}

const oneNginx = ({ port, http2Port }: Place, upstream: string) =>
	documented('nginx', [
		['listen 80', `listen 127.0.0.1:${port}; listen 127.0.0.1:${http2Port} http2`],
		[app, upstream]
	])

const nginx: Spec = {
	program: 'nginx',
	separatesHttp2: true,
	config: (place) => nginxMain(place, oneNginx(place, place.app)),
	args: (file, { dir }) => ['-p', dir, '-c', file, '-e', 'stderr'],
	impatient: { changes: [['proxy_read_timeout 60s', 'proxy_read_timeout 2s']] },
	compressing: { changes: [['access_log off;', 'access_log off; gzip on; gzip_types *;']] }
}

const nginxBehindNginx: Spec = {
	...nginx,
	config: (place) =>
		nginxMain(
			place,
			oneNginx(place, `127.0.0.1:${place.innerPort}`),
			documented('nginx behind nginx: the inner one', [
				['listen 8080', `listen 127.0.0.1:${place.innerPort}`],
				[app, place.app]
			])
		)
}

/** The proxies, by their names in the table of the document. */
export const specs = {
	HAProxy,
	Varnish,
	lighttpd,
	Apache,
	Caddy,
	h2o,
	nginx,
	'nginx behind nginx': nginxBehindNginx
} satisfies Record<string, Spec>

export type ProxyName = keyof typeof specs
