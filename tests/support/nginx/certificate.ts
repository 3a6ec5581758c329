import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A self-signed certificate and its key, as PEM. */
export interface Certificate {
	cert: string
	key: string
}

const day = 24 * 60 * 60_000

// DER tags and object identifiers, see RFC 5280 and ITU-T X.690.
const sequence = (...parts: Buffer[]) => der(0x30, ...parts)
const set = (...parts: Buffer[]) => der(0x31, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
const commonName = oid('550403')
const subjectAltName = oid('551d11')

/** Makes a certificate for `localhost` and 127.0.0.1, without any program beside Node. */
export function selfSigned(): Certificate {
	const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
	const name = sequence(set(sequence(commonName, der(0x0c, Buffer.from('localhost')))))
	const names = [der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))]
	const body = sequence(
		der(0xa0, der(0x02, Buffer.from([2]))),
		// Positive and never shortened: the first byte is neither 0 nor over 127.
		der(0x02, Buffer.from([1]), randomBytes(15)),
		ecdsaWithSha256,
		name,
		sequence(utcTime(Date.now() - day), utcTime(Date.now() + 90 * day)),
		name,
		publicKey.export({ type: 'spki', format: 'der' }),
		der(0xa3, sequence(sequence(subjectAltName, der(0x04, sequence(...names)))))
	)
	const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey))
	return {
		cert: pem('CERTIFICATE', sequence(body, ecdsaWithSha256, signature)),
		key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
	}
}

function der(tag: number, ...parts: Buffer[]): Buffer {
	const content = Buffer.concat(parts)
	return Buffer.concat([Buffer.from([tag, ...derLength(content.length)]), content])
}

function derLength(length: number): number[] {
	if (length < 0x80) return [length]
	if (length < 0x100) return [0x81, length]
	return [0x82, length >> 8, length & 0xff]
}

/** `YYMMDDHHMMSSZ` */
function utcTime(time: number): Buffer {
	const digits = new Date(time).toISOString().replace(/\D/g, '').slice(2, 14)
	return der(0x17, Buffer.from(`${digits}Z`))
}

function pem(label: string, bytes: Buffer): string {
	const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
	return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
