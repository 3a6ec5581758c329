import express from 'express'
import { handler } from '../build/handler.js'

express()
	.use(express.json())
	.use(handler)
	.listen(process.env.PORT, () => console.log('Listening'))
