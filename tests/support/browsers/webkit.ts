import { freePort } from '../ports.js'
import { handshake } from '../servers/handshake.js'
import { startServer } from '../servers/server-process.js'
import { needTool } from '../tools.js'
import { startDisplay, type Display } from './display.js'
import { Page, patience, type Browser } from './page.js'
import { WebDriver } from './webdriver.js'

/** Starts WebKitGTK's MiniBrowser on a virtual display, driven over plain WebDriver. */
export async function startWebkit(): Promise<Browser> {
	const command = await needTool('WebKitWebDriver')
	const display = await startDisplay()
	const port = await freePort()
	const server = await startServer({
		name: 'WebKitWebDriver',
		command,
		args: [`--port=${port}`, '--host=127.0.0.1'],
		port,
		url: `http://127.0.0.1:${port}`,
		dir: display.dir,
		env: environment(display),
		startTimeout: patience,
		handshake: async () => {
			await handshake(port, 'GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', /"ready":true/)
		}
	})
	const close = async () => {
		// The driver would leave its browser behind.
		await driver.stop().catch(() => {})
		await server.close()
		await display.close()
	}
	const driver = new WebDriver(port)
	try {
		await driver.start({ acceptInsecureCerts: true })
	} catch (cause) {
		await close()
		throw new Error(`WebKit did not start. Its log:\n${server.log}`, { cause })
	}
	return { engine: 'webkit', open: opener(driver), close, [Symbol.asyncDispose]: close }
}

function opener(driver: WebDriver): Browser['open'] {
	let first = true
	return async (url) => {
		const window = first ? driver.firstWindow : await driver.newWindow()
		const only = first
		first = false
		const page = new Page({
			goto: (url) => driver.goto(window, url),
			evaluate: (expression) => driver.evaluate(window, expression),
			click: (selector) => driver.click(window, selector),
			screenshot: () => driver.screenshot(window),
			// A session ends with its last window; the first one stays until the browser is closed.
			close: () => (only ? driver.goto(window, 'about:blank') : driver.closeWindow(window))
		})
		await page.goto(url)
		return page
	}
}

function environment({ name, dir }: Display): NodeJS.ProcessEnv {
	return {
		DISPLAY: name,
		HOME: dir,
		XDG_CACHE_HOME: dir,
		XDG_CONFIG_HOME: dir,
		XDG_DATA_HOME: dir,
		XDG_RUNTIME_DIR: dir,
		GDK_BACKEND: 'x11',
		// Its sandbox needs name spaces that containers do not give.
		WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
		LIBGL_ALWAYS_SOFTWARE: '1',
		NO_AT_BRIDGE: '1'
	}
}
