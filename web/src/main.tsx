import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { isPassing } from './api/errors.ts'
import { LiveContext } from './live/hooks.ts'
import { openLive } from './live/live.ts'
import { createConsoleRouter } from './routes.tsx'
import { applyTheme } from './shell/preferences.ts'
import './styles/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/components.css'

applyTheme()
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 500,
      // Pages ask again at their own pace, and say meanwhile what is wrong.
      retry: (count, error) => isPassing(error) && count < 1,
      retryDelay: 500,
      refetchOnWindowFocus: true,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})
const live = openLive()
const router = createConsoleRouter()

const element = document.getElementById('root')
if (!element) throw new Error('unreachable: index.html has a root')
createRoot(element).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <LiveContext value={live}>
        <RouterProvider router={router} />
      </LiveContext>
    </QueryClientProvider>
  </StrictMode>,
)
